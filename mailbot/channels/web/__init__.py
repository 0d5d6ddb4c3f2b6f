"""What people write where we know who they are, such as the page of a ticket: it comes in as mail does."""
