package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// An argument of a system call: a number, or what it points to.
type value struct {
	number  uintptr
	memory  []byte
	pointer bool
}

var keep [][]byte

func number(given int) value { return value{number: uintptr(given)} }

func zeroes(size int) value { return value{memory: make([]byte, size), pointer: true} }

// 7 · {"text": "/tmp"} · {"zero": 64} · {"hex": "00ff"} · "self"
func (at *value) UnmarshalJSON(text []byte) error {
	if string(text) == `"self"` {
		*at = number(os.Getpid())
		return nil
	}
	if plain, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		*at = value{number: uintptr(plain)}
		return nil
	}
	var given struct {
		Text *string `json:"text"`
		Zero *int    `json:"zero"`
		Hex  *string `json:"hex"`
	}
	if err := json.Unmarshal(text, &given); err != nil {
		return err
	}
	switch {
	case given.Text != nil:
		*at = value{memory: append([]byte(*given.Text), 0), pointer: true}
	case given.Zero != nil:
		*at = zeroes(*given.Zero)
	case given.Hex != nil:
		memory, err := hex.DecodeString(*given.Hex)
		*at = value{memory: memory, pointer: true}
		return err
	default:
		return errors.New("an argument of no known kind")
	}
	return nil
}

func words(values []value) [6]uintptr {
	var all [6]uintptr
	for index, each := range values {
		all[index] = each.number
		if each.pointer {
			keep = append(keep, each.memory)
			all[index] = uintptr(unsafe.Pointer(&each.memory[0]))
		}
	}
	return all
}

var nothing = [6]uintptr{^uintptr(0), ^uintptr(0), ^uintptr(0), ^uintptr(0), ^uintptr(0), ^uintptr(0)}

func oneCall(given arguments) (any, error) { return callOnce(given.Number, given.Values) }

func callOnce(call int, values []value) (any, error) {
	arguments := nothing
	if len(values) > 0 {
		arguments = words(values)
	}
	how := inChild(uintptr(call), arguments, false)
	if how < 0 {
		return nil, syscall.Errno(-how)
	}
	return describe(how), nil
}

func legacyCall(given arguments) (any, error) {
	how := inChild(uintptr(given.Number), [6]uintptr{}, true)
	if how < 0 {
		return nil, syscall.Errno(-how)
	}
	return describe(how), nil
}

// Every call of the range with arguments that mean nothing: 0 for success, an errno below zero.
func sweep(given arguments) (any, error) {
	outcomes := map[string]string{}
	for call := given.From; call < given.Until; call++ {
		how := inChild(uintptr(call), nothing, false)
		if how < 0 {
			outcomes[strconv.Itoa(call)] = strconv.Itoa(-how)
		} else {
			outcomes[strconv.Itoa(call)] = describe(how)
		}
	}
	return outcomes, nil
}

const (
	succeeded = 0
	blocked   = 1 << 20
	ended     = 2 << 20
)

func describe(how int) string {
	switch {
	case how >= ended:
		return "ended by " + syscall.WaitStatus(how-ended).Signal().String()
	case how >= blocked:
		return "blocks"
	}
	return "ok"
}

// One call in a process of its own, for some end it and some never return. Below zero: the errno.
func inChild(call uintptr, arguments [6]uintptr, legacy bool) int {
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_NONBLOCK); err != nil {
		return -int(err.(syscall.Errno))
	}
	defer syscall.Close(pipe[0])
	pid := forked(call, arguments, legacy, uintptr(pipe[1]))
	syscall.Close(pipe[1])
	if pid <= 0 {
		return -int(syscall.EAGAIN)
	}
	deadline := time.Now().Add(patience)
	var status syscall.WaitStatus
	var answer [8]byte
	for {
		done, _ := syscall.Wait4(pid, &status, syscall.WNOHANG, nil)
		length, _ := syscall.Read(pipe[0], answer[:])
		if length == 8 {
			syscall.Kill(pid, syscall.SIGKILL)
			if done != pid {
				syscall.Wait4(pid, &status, 0, nil)
			}
			return -int(*(*uint64)(unsafe.Pointer(&answer)))
		}
		if done == pid {
			return ended + int(status)
		}
		if time.Now().After(deadline) {
			syscall.Kill(pid, syscall.SIGKILL)
			syscall.Wait4(pid, &status, 0, nil)
			return blocked
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// The child has one thread of a program with many: nothing but raw calls until it ends.
//
//go:noinline
func forked(call uintptr, given [6]uintptr, legacy bool, out uintptr) int {
	var result [1]uint64
	pid, _, failed := syscall.RawSyscall6(forkNumber, forkFlags, 0, 0, 0, 0, 0)
	if failed != 0 {
		return -1
	}
	if pid != 0 {
		return int(pid)
	}
	// A crash's last words belong in no log.
	syscall.RawSyscall(syscall.SYS_CLOSE, 2, 0, 0)
	if legacy {
		answer := int80(call)
		if int32(answer) < 0 && int32(answer) > -4096 {
			result[0] = uint64(-int32(answer))
		}
	} else {
		_, _, errno := syscall.RawSyscall6(call, given[0], given[1], given[2], given[3], given[4], given[5])
		result[0] = uint64(errno)
	}
	syscall.RawSyscall(syscall.SYS_WRITE, out, uintptr(unsafe.Pointer(&result)), 8)
	syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
	return 0
}

// family/type/protocol → errno, "0" for a socket.
func sockets(given arguments) (any, error) {
	outcomes := map[string]string{}
	for family := given.From; family < given.Until; family++ {
		for _, kind := range given.Types {
			for _, protocol := range given.Protos {
				opened, _, errno := syscall.RawSyscall(syscall.SYS_SOCKET, uintptr(family), uintptr(kind), uintptr(protocol))
				if errno == 0 {
					syscall.Close(int(opened))
				}
				name := strconv.Itoa(family) + " " + strconv.Itoa(kind) + " " + strconv.Itoa(protocol)
				outcomes[name] = strconv.Itoa(int(errno))
			}
		}
	}
	return outcomes, nil
}
