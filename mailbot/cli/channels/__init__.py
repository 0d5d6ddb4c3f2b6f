"""`mailbot channels`: chats and other programs by which customers write."""
