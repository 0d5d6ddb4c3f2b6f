"""What an installation keeps beside its tickets: its nodes and their work, what was done about causes."""
