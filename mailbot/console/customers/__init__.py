"""The pages for customers: one ticket by its link, and a way to have that link mailed again."""
