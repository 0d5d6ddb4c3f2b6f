"""The escalation engine on a virtual clock, over recorded tickets or a load that was made up.

`scripts` turns recorded events into what people did, `run` lets the time pass, `tally` counts, `twins` compares
with the record, `compare` one policy with another, `synthetic` makes a load.
"""
