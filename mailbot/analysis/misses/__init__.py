"""What the rules got wrong by the word of people, and which change of the rules would mend it."""
