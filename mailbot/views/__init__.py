"""What people and programs read of the store, the same in shell, pages and API: JSON shapes, sentences."""
