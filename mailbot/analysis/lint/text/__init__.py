"""Decide whether conditions on one text can hold together.

Theory of operation. `regex` compiles an RE2 pattern to a small nondeterministic automaton. `automata`
makes each literal a deterministic one that reads a text letter by letter. `solver` searches their product,
best first, for a text that all of them accept. The search covers all texts, because letters that no
automaton distinguishes are represented by one. What it can't decide within the budget, or in the RE2
subset of `regex`, is "not decided". No library proves such facts about RE2 patterns with our folding of
letters.
"""
