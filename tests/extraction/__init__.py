"""Tests of transport quantities."""
