"""The conditions of rules: fields, operators, and how they are tested on a mail."""
