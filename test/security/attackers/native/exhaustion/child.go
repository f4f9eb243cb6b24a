package main

import (
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// System calls whose numbers Go's frozen table lacks.
var numbers = map[string]struct{ memfdCreate, queueInfo uintptr }{
	"amd64": {319, 297}, "arm64": {279, 240},
}[runtime.GOARCH]

func init() {
	if len(os.Args) > 2 && os.Args[1] == "child" {
		child(os.Args[2])
	}
}

// What a process of its own does: goes on with the bomb, stays for good, or holds buffers.
func child(role string) {
	name, size, _ := strings.Cut(role, ":")
	bytes, _ := strconv.Atoi(size)
	switch name {
	case "bomb":
		bomb(nil)
	case "daemon":
		start("deaf:"+size, true)
		os.Exit(0)
	case "deaf":
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	case "sockets":
		tell(fillSockets(bytes))
	case "pipes":
		tell(fillPipes(bytes))
	}
	for {
		// Not time.Sleep: that wants descriptors of its own.
		syscall.Nanosleep(&syscall.Timespec{Sec: 3600}, nil)
	}
}

// Where every descriptor is in use one has to go for this.
func tell(bytes int) {
	syscall.Close(5)
	name := strconv.Itoa(os.Getpid()) + "-" + strconv.Itoa(bytes)
	syscall.Open("/tmp/filled/"+name, syscall.O_CREAT|syscall.O_WRONLY, 0o600)
}
