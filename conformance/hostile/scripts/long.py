#!/usr/bin/env python3
"""Begins with 100 KB that are no line, and stays."""
import os
import time

left = b"x" * (100 << 10)
while left:
    left = left[os.write(1, left):]
time.sleep(1000)
