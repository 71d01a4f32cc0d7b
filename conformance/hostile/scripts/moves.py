#!/usr/bin/env python3
"""Tries to move to another process group than the one it was started in, for good."""
import os
import time

moved, told = os.pipe()
child = os.fork()
if child == 0:
    os.close(told)
    os.setpgid(0, 0)
    os.read(moved, 1)  # its group lasts as long as anybody is in it
    os._exit(0)
while os.getpgrp() != child:
    try:
        os.setpgid(0, child)
    except OSError:
        time.sleep(0.01)
os.close(told)
time.sleep(1000)
