package main

const (
	forkNumber = 220 // clone; this architecture has no fork
	forkFlags  = 17  // SIGCHLD
)

// There is no such door.
func int80(number uintptr) uintptr { return ^uintptr(37) }
