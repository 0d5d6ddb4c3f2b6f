"""What a store holds as records that another store can be made of, whatever their engines."""
