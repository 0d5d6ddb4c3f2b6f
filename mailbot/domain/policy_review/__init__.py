"""What is asked of a policy as a whole: how it differs, its outline, its own tests."""
