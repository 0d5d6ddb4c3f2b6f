"""Act on tickets: answers, notes, verbs, drafts, who is writing, many tickets at once."""
