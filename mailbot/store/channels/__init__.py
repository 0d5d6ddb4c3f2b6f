"""What channels beside mail keep: what providers sent, who wrote by what, what they took of us."""
