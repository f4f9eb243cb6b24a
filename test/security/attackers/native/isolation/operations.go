// What a program of machine code can do: everything, by raw system calls where it matters.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const patience = 3 * time.Second

var operations = map[string]operation{
	"read":        with(read),
	"list":        with(list),
	"open_write":  with(openWrite),
	"create":      with(create),
	"directory":   with(directory),
	"mode":        with(mode),
	"rename":      with(rename),
	"link":        with(link),
	"device":      with(device),
	"through":     with(through),
	"target":      with(target),
	"tcp":         with(tcp),
	"route":       with(route),
	"unix":        with(unixSocket),
	"signal":      with(signal),
	"priority":    with(priority),
	"affinity":    with(affinity),
	"run":         with(run),
	"environment": with(environment),
	"overwrite":   with(overwrite),
	"exchange":    with(exchange),
	"walk":        with(walk),
	"access":      with(access),
	"search":      with(search),
	"syscall":     with(oneCall),
	"sweep":       with(sweep),
	"sockets":     with(sockets),
	"int80":       with(legacyCall),
	"dump":        with(dump),
	"leave":       with(leave),
	"digest":      with(digest),
}

type arguments struct {
	Path    string   `json:"path"`
	To      string   `json:"to"`
	Host    string   `json:"host"`
	Port    int      `json:"port"`
	Pid     int      `json:"pid"`
	Number  int      `json:"number"`
	From    int      `json:"from"`
	Until   int      `json:"until"`
	Text    string   `json:"text"`
	Whole   bool     `json:"whole"`
	Command []string `json:"command"`
	Needles []string `json:"needles"`
	Skip    []string `json:"skip"`
	Values  []value  `json:"values"`
	Types   []int    `json:"types"`
	Protos  []int    `json:"protocols"`
}

func with(operate func(given arguments) (any, error)) operation {
	return func(text json.RawMessage) (any, error) {
		var given arguments
		if len(text) > 0 {
			if err := json.Unmarshal(text, &given); err != nil {
				return nil, err
			}
		}
		given.Path, given.To = os.ExpandEnv(given.Path), os.ExpandEnv(given.To)
		return operate(given)
	}
}

func read(given arguments) (any, error) {
	file, err := os.Open(given.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	limit := int64(4096)
	if given.Whole {
		limit = 1 << 20
	}
	text, err := io.ReadAll(io.LimitReader(file, limit))
	return string(text), err
}

func list(given arguments) (any, error) {
	entries, err := os.ReadDir(given.Path)
	names := []string{}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names, err
}

// Opens only: what would be written might end the machine a control runs on.
func openWrite(given arguments) (any, error) {
	number, err := syscall.Open(given.Path, syscall.O_WRONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return "opened", syscall.Close(number)
}

func create(given arguments) (any, error) {
	number, err := syscall.Open(given.Path, syscall.O_CREAT|syscall.O_EXCL|syscall.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	syscall.Close(number)
	return "created", syscall.Unlink(given.Path)
}

func directory(given arguments) (any, error) {
	if err := syscall.Mkdir(given.Path, 0o700); err != nil {
		return nil, err
	}
	return "made", syscall.Rmdir(given.Path)
}

func mode(given arguments) (any, error) {
	var status syscall.Stat_t
	if err := syscall.Stat(given.Path, &status); err != nil {
		return nil, err
	}
	return "changed", syscall.Chmod(given.Path, status.Mode&0o7777)
}

func rename(given arguments) (any, error) {
	if err := syscall.Rename(given.Path, given.To); err != nil {
		return nil, err
	}
	return "renamed", syscall.Rename(given.To, given.Path)
}

func device(given arguments) (any, error) {
	if err := syscall.Mknod(given.Path, syscall.S_IFCHR|0o600, 0x103); err != nil {
		return nil, err
	}
	return "made", syscall.Unlink(given.Path)
}

func link(given arguments) (any, error) {
	if err := syscall.Link(given.Path, given.To); err != nil {
		return nil, err
	}
	return "linked", syscall.Unlink(given.To)
}

// Reads through a symbolic link of its own.
func through(given arguments) (any, error) {
	name := fmt.Sprintf("/tmp/through-%d-%d", os.Getpid(), time.Now().UnixNano())
	if err := syscall.Symlink(given.Path, name); err != nil {
		return nil, err
	}
	defer syscall.Unlink(name)
	number, err := syscall.Open(name, syscall.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	return "opened", syscall.Close(number)
}

func target(given arguments) (any, error) { return os.Readlink(given.Path) }

func tcp(given arguments) (any, error) {
	address := net.JoinHostPort(given.Host, strconv.Itoa(given.Port))
	connection, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, late(err)
	}
	return "connected", connection.Close()
}

// Connecting a datagram socket sends nothing and succeeds where there is a route.
func route(given arguments) (any, error) {
	connection, err := net.Dial("udp", net.JoinHostPort(given.Host, strconv.Itoa(given.Port)))
	if err != nil {
		return nil, err
	}
	return "a route", connection.Close()
}

func unixSocket(given arguments) (any, error) {
	connection, err := net.DialTimeout("unix", given.Path, patience)
	if err != nil {
		return nil, late(err)
	}
	return "connected", connection.Close()
}

func late(err error) error {
	if os.IsTimeout(err) {
		return syscall.ETIMEDOUT
	}
	return err
}

func signal(given arguments) (any, error) {
	return "sent", syscall.Kill(given.Pid, syscall.Signal(given.Number))
}

func priority(given arguments) (any, error) {
	// The system call answers 20 minus the niceness (getpriority(2)).
	current, err := syscall.Getpriority(syscall.PRIO_PROCESS, given.Pid)
	if err != nil {
		return nil, err
	}
	return "changed", syscall.Setpriority(syscall.PRIO_PROCESS, given.Pid, 20-current)
}

func affinity(given arguments) (any, error) {
	return callOnce(int(syscall.SYS_SCHED_GETAFFINITY), []value{number(given.Pid), number(8), zeroes(8)})
}

func run(given arguments) (any, error) {
	command := exec.Command(given.Command[0], given.Command[1:]...)
	output, err := command.CombinedOutput()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return map[string]any{"status": ended.ExitCode(), "output": string(output)}, nil
	}
	return map[string]any{"status": 0, "output": string(output)}, err
}

// Ends the process that runs the function; the next call needs a new environment.
func leave(given arguments) (any, error) {
	os.Exit(3)
	return nil, nil
}

// The digest of a file, in hexadecimal.
func digest(given arguments) (any, error) {
	text, err := os.ReadFile(given.Path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

func environment(given arguments) (any, error) {
	variables := map[string]string{}
	for _, each := range os.Environ() {
		name, text, _ := strings.Cut(each, "=")
		variables[name] = text
	}
	return variables, nil
}

func overwrite(given arguments) (any, error) {
	file, err := os.OpenFile(given.Path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	_, err = file.WriteString(given.Text)
	return "written", err
}

// Sends these bytes to a port of the loopback and tells the beginning of what comes back.
func exchange(given arguments) (any, error) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(given.Port))
	if given.Port == 0 {
		address = os.Getenv("AWS_LAMBDA_RUNTIME_API")
	}
	connection, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(patience))
	text := strings.ReplaceAll(given.Text, "$REQUEST_ID", os.Getenv("REQUEST_ID"))
	if _, err := io.Copy(connection, strings.NewReader(text)); err != nil {
		return nil, err
	}
	answered, err := io.ReadAll(io.LimitReader(connection, 4096))
	if err != nil && len(answered) == 0 {
		return nil, late(err)
	}
	return string(answered), nil
}

// Raises the limit as far as it goes and has a process of its own crash in /tmp.
func dump(given arguments) (any, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil {
		return nil, err
	}
	unlimited := syscall.Rlimit{Cur: ^uint64(0), Max: ^uint64(0)}
	if syscall.Setrlimit(syscall.RLIMIT_CORE, &unlimited) != nil {
		limit.Cur = limit.Max
		syscall.Setrlimit(syscall.RLIMIT_CORE, &limit)
	}
	command := exec.Command("/bin/sh", "-c", "cd /tmp && kill -"+given.Text+" $$")
	command.Run()
	files, _ := filepath.Glob("/tmp/core*")
	for _, file := range files {
		os.Remove(file)
	}
	if status, known := command.ProcessState.Sys().(syscall.WaitStatus); known && status.CoreDump() {
		return "dumped", nil
	}
	return command.ProcessState.String(), nil
}
