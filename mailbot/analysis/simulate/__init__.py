"""The escalation engine on a virtual clock, over recorded tickets or a generated load.

`recorded_ticket` turns recorded events into stimuli: what people did. `engine` runs the daemon's decisions
on them. `figures` counts, `reproduction` compares with the record, `compare` one policy with another.
`cases` reads the store, `synthetic` generates a load. `promise_runs` follows promises, `advice` says why they were
missed, `staffing` how many more people would have kept them.
"""
