"""Figures of a period for managers: compute, draw and render them."""
