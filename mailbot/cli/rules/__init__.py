"""`mailbot rules` and `mailbot simulate`: judge a policy before it is in force."""
