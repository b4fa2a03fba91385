"""Faults put into published data: what is read, where and when a fault is put, and what it does by real mechanics.

The data themselves are not part of the project; they are read by path, through the shipped mappings.
"""
