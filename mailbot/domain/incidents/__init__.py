"""Storms: many similar complaints within minutes become one incident."""
