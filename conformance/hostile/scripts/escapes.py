#!/usr/bin/env python3
"""Leaves a child that has a group of its own, and holds the streams for a while."""
import os
import time

if os.fork() == 0:
    os.setsid()
    time.sleep(2)
