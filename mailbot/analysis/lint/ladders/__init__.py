"""Checks of ladders, people and limits: tickets without care run through the real escalation engine."""
