package main

const (
	forkNumber = 57 // fork
	forkFlags  = 0
)

// The kernel's door for 32-bit programs, open to 64-bit ones as well.
func int80(number uintptr) uintptr
