package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// howItStarts reads the file "mode"; without one it starts as it should.
func howItStarts() string {
	text, err := os.ReadFile("mode")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// handshake gives the line that the program prints once it listens. In modes that
// do something else at the start it does that, and may not return.
func handshake(starts, socket string) string {
	line := "1|1|unix|" + socket + "|grpc|\n"
	switch starts {
	case "silent":
		forever()
	case "stopped":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		forever()
	case "garbage":
		return "hello, world\n"
	case "long":
		return strings.Repeat("x", 100<<10) + "\n"
	case "version":
		return strings.Replace(line, "1|1|", "1|99|", 1)
	case "core":
		return strings.Replace(line, "1|1|", "2|1|", 1)
	case "netrpc":
		return strings.Replace(line, "grpc", "netrpc", 1)
	case "tcp":
		return "1|1|tcp|127.0.0.1:1|grpc|\n"
	case "elsewhere":
		return "1|1|unix|/run/other.sock|grpc|\n"
	case "climbs":
		return "1|1|unix|" + os.Getenv("TMPDIR") + "/../other.sock|grpc|\n"
	case "certificate": // that nobody asked for, and that is none
		return strings.Replace(line, "grpc|", "grpc|AAAA", 1)
	case "certificate_borrowed":
		return strings.Replace(line, "grpc|", "grpc|"+certificate(), 1)
	case "exit":
		fmt.Fprintln(os.Stderr, "the licence has run out")
		os.Exit(3)
	case "half":
		fmt.Print("1|1|unix|/tm")
		os.Exit(0)
	case "leaves":
		fmt.Print(line)
		os.Exit(0)
	case "deaf": // shakes hands and serves nothing
		fmt.Print(line)
		forever()
	case "chatty":
		return line + "ready to serve\n"
	case "fork": // a child that would outlive it, and holds its streams
		child := exec.Command("sleep", "1000")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		must(child.Start())
		must(os.WriteFile("child", []byte(strconv.Itoa(child.Process.Pid)), 0o600))
	case "environment":
		must(os.WriteFile("environment", []byte(surroundings()), 0o600))
	}
	return line
}

// surroundings tells what the program was given by the host.
func surroundings() string {
	text := strings.Join(os.Environ(), "\n")
	if info, err := os.Stdin.Stat(); err == nil {
		text += "\nSTDIN=" + info.Mode().String()
	}
	if here, err := os.Getwd(); err == nil {
		text += "\nCWD=" + here
	}
	if info, err := os.Stat(os.Getenv("TMPDIR")); err == nil {
		text += "\nTMPMODE=" + info.Mode().String()
	}
	return text + "\nGROUP=" + strconv.FormatBool(syscall.Getpgrp() == os.Getpid())
}

// forever is longer than any deadline.
func forever() { time.Sleep(time.Hour) }
