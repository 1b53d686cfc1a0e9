"""Recordings of one person in, everything that training needs to know of them out."""
