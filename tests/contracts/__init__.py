"""Contracts that every entry of a registry must keep."""
