"""Find faults in a policy and prove each with an example mail, moment or amount."""
