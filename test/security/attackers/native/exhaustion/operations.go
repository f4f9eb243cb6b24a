// What a program of machine code can use up. Everything is bounded by what it is given.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const mib = 1 << 20

var kept []any

var operations = map[string]operation{
	"processes": processes, "bomb": bomb, "heap": heap, "buffers": buffers, "memfd": memfd,
	"shared": shared, "file": file, "touch": touch, "inodes": inodes, "sockets": sockets,
	"pipes": pipes, "descriptors": descriptors, "inotify": inotify, "epoll": epoll,
	"threads": threads, "signals": signals, "timers": timers, "queues": queues, "keys": keys,
	"spin": spin, "daemons": daemons, "print_bytes": printBytes, "linger": linger,
}

type bound struct {
	Max       int    `json:"max"`
	Size      int    `json:"size"`
	Path      string `json:"path"`
	Ms        int    `json:"ms"`
	Threads   int    `json:"threads"`
	Count     int    `json:"count"`
	Processes int    `json:"processes"`
	Block     string `json:"block"`
	Marker    string `json:"marker"`
}

type ended struct {
	Count int    `json:"count"`
	Code  string `json:"code"`
}

func boundOf(given json.RawMessage) (at bound) {
	json.Unmarshal(given, &at)
	return
}

// Repeats a step until it fails; tells how often it went well and why it ended.
func until(most int, step func(count int) (any, error)) (any, error) {
	for count := 0; count < most; count++ {
		made, err := step(count)
		if err != nil {
			return ended{count, nameOf(err)}, nil
		}
		kept = append(kept, made)
	}
	return ended{most, ""}, nil
}

func nameOf(err error) string {
	names := map[syscall.Errno]string{
		syscall.EAGAIN: "EAGAIN", syscall.EMFILE: "EMFILE", syscall.ENOSPC: "ENOSPC",
		syscall.EPERM: "EPERM", syscall.ENOMEM: "ENOMEM", syscall.ENFILE: "ENFILE",
		syscall.EROFS: "EROFS", syscall.EACCES: "EACCES", syscall.ENOSYS: "ENOSYS",
		syscall.EINVAL: "EINVAL", syscall.EDQUOT: "EDQUOT",
	}
	if number, is := err.(syscall.Errno); is && names[number] != "" {
		return names[number]
	}
	return fmt.Sprint(err)
}

func raw(number uintptr, values ...uintptr) (uintptr, error) {
	var six [6]uintptr
	copy(six[:], values)
	result, _, errno := syscall.Syscall6(number, six[0], six[1], six[2], six[3], six[4], six[5])
	if errno != 0 {
		return 0, errno
	}
	return result, nil
}

// A copy of this program that carries out `child`.
func start(role string, leavesSession bool) (int, error) {
	return syscall.ForkExec("/proc/self/exe", []string{"attacker", "child", role}, &syscall.ProcAttr{
		Files: []uintptr{0, 1, 2}, Env: []string{"GOMAXPROCS=1"},
		Sys: &syscall.SysProcAttr{Setsid: leavesSession},
	})
}

func sleeper() (int, error) {
	return syscall.ForkExec("/bin/sleep", []string{"sleep", "300"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
}

func processes(given json.RawMessage) (any, error) {
	return until(boundOf(given).Max, func(int) (any, error) { return sleeper() })
}

func bomb(given json.RawMessage) (any, error) {
	signal.Ignore(syscall.SIGTERM)
	for {
		if _, err := start("bomb", false); err != nil {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func touchAll(memory []byte) {
	for at := 0; at < len(memory); at += 4096 {
		memory[at] = 1
	}
}

func heap(given json.RawMessage) (any, error) {
	type node struct {
		next *node
		rest [56]byte
	}
	debug.SetGCPercent(-1) // what it tidies up in vain is not the attack
	var list *node
	for count := 0; count < boundOf(given).Size*mib/64; count++ {
		list = &node{next: list}
	}
	kept = append(kept, list)
	return boundOf(given).Size, nil
}

func buffers(given json.RawMessage) (any, error) {
	memory, err := syscall.Mmap(-1, 0, boundOf(given).Size*mib, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON)
	touchAll(memory)
	return len(memory) / mib, err
}

func shared(given json.RawMessage) (any, error) {
	memory, err := syscall.Mmap(-1, 0, boundOf(given).Size*mib, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_SHARED|syscall.MAP_ANON)
	touchAll(memory)
	return len(memory) / mib, err
}

func write(fd int, size int) (any, error) {
	block := make([]byte, mib)
	for done := 0; done < size; {
		count, err := syscall.Write(fd, block)
		if err != nil {
			return nil, err
		}
		if count < len(block) {
			return nil, syscall.ENOSPC
		}
		done++
	}
	return size, nil
}

func memfd(given json.RawMessage) (any, error) {
	name := []byte("hidden\x00")
	fd, err := raw(numbers.memfdCreate, uintptr(unsafe.Pointer(&name[0])), 0)
	if err != nil {
		return nil, err
	}
	return write(int(fd), boundOf(given).Size)
}

func file(given json.RawMessage) (any, error) {
	fd, err := syscall.Open(boundOf(given).Path, syscall.O_CREAT|syscall.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	return write(fd, boundOf(given).Size)
}

func touch(given json.RawMessage) (any, error) {
	fd, err := syscall.Open(boundOf(given).Path, syscall.O_CREAT|syscall.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return nil, syscall.Close(fd)
}

func inodes(given json.RawMessage) (any, error) {
	if err := syscall.Mkdir("/tmp/many", 0o700); err != nil {
		return nil, err
	}
	return until(boundOf(given).Max, func(count int) (any, error) {
		path := "/tmp/many/" + strconv.Itoa(count)
		return nil, syscall.Mknod(path, syscall.S_IFREG|0o600, 0)
	})
}

// As much as a buffer that nobody empties takes, at most `size` bytes.
func fill(fd int, size int) int {
	syscall.SetNonblock(fd, true)
	block := make([]byte, 65536)
	done := 0
	for done < size {
		count, err := syscall.Write(fd, block)
		if err != nil {
			break
		}
		done += count
	}
	return done
}

// Each process has descriptors of its own: several together go beyond what one could hold. Tells how
// many MiB those hold that have lived to say so.
func spread(given json.RawMessage, role string) (any, error) {
	at := boundOf(given)
	size := strconv.Itoa(at.Size * mib / at.Processes)
	for count := 0; count < at.Processes; count++ {
		if _, err := start(role+":"+size, false); err != nil {
			return nil, err
		}
	}
	dead := 0
	for {
		var status syscall.WaitStatus
		if pid, _ := syscall.Wait4(-1, &status, syscall.WNOHANG, nil); pid > 0 {
			dead++
		}
		entries, _ := os.ReadDir("/tmp/filled")
		if len(entries)+dead < at.Processes {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		total := 0
		for _, entry := range entries {
			_, held, _ := strings.Cut(entry.Name(), "-")
			bytes, _ := strconv.Atoi(held)
			total += bytes
		}
		return total / mib, nil
	}
}

func sockets(given json.RawMessage) (any, error) {
	os.Mkdir("/tmp/filled", 0o700)
	return spread(given, "sockets")
}

func pipes(given json.RawMessage) (any, error) {
	os.Mkdir("/tmp/filled", 0o700)
	return spread(given, "pipes")
}

func fillSockets(size int) int {
	done := 0
	for done < size {
		pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			break
		}
		for _, end := range pair {
			syscall.SetsockoptInt(end, syscall.SOL_SOCKET, syscall.SO_SNDBUF, 64*mib)
			done += fill(end, size)
		}
	}
	return done
}

func fillPipes(size int) int {
	done := 0
	for done < size {
		var pair [2]int
		if syscall.Pipe(pair[:]) != nil {
			break
		}
		raw(syscall.SYS_FCNTL, uintptr(pair[1]), 1031, mib) // F_SETPIPE_SZ
		done += fill(pair[1], mib)
	}
	return done
}

func descriptors(given json.RawMessage) (any, error) {
	return until(boundOf(given).Max, func(int) (any, error) {
		return syscall.Open("/dev/null", syscall.O_RDONLY, 0)
	})
}

func inotify(given json.RawMessage) (any, error) {
	return until(boundOf(given).Max, func(int) (any, error) { return syscall.InotifyInit1(0) })
}

func epoll(given json.RawMessage) (any, error) {
	return until(boundOf(given).Max, func(int) (any, error) { return syscall.EpollCreate1(0) })
}

// Threads that Go does not know of would need a stack of their own; locked ones do as well.
func threads(given json.RawMessage) (any, error) {
	most := boundOf(given).Max
	begun := make(chan bool)
	for count := 0; count < most; count++ {
		go func() {
			runtime.LockOSThread()
			begun <- true
			select {}
		}()
		<-begun
	}
	return ended{most, ""}, nil
}

func signals(given json.RawMessage) (any, error) {
	const realtime = 40
	runtime.LockOSThread()
	set := uint64(1) << (realtime - 1)
	if _, err := raw(syscall.SYS_RT_SIGPROCMASK, 0, uintptr(unsafe.Pointer(&set)), 0, 8); err != nil {
		return nil, err
	}
	me := uintptr(syscall.Getpid())
	info := [32]int32{realtime, 0, -1} // si_code SI_QUEUE
	return until(boundOf(given).Max, func(int) (any, error) {
		return raw(numbers.queueInfo, me, uintptr(syscall.Gettid()), realtime, uintptr(unsafe.Pointer(&info[0])))
	})
}

func timers(given json.RawMessage) (any, error) {
	return until(boundOf(given).Max, func(int) (any, error) {
		event := [16]int32{0, 0, 10, 0}
		var id int32
		return raw(syscall.SYS_TIMER_CREATE, 1, uintptr(unsafe.Pointer(&event[0])), uintptr(unsafe.Pointer(&id)))
	})
}

func queues(given json.RawMessage) (any, error) {
	return until(boundOf(given).Max, func(count int) (any, error) {
		name := []byte("queue" + strconv.Itoa(count) + "\x00")
		return raw(syscall.SYS_MQ_OPEN, uintptr(unsafe.Pointer(&name[0])), syscall.O_CREAT|syscall.O_RDWR, 0o600, 0)
	})
}

func keys(given json.RawMessage) (any, error) {
	kind, text := []byte("user\x00"), make([]byte, 64)
	ring := -2 // the process's own
	return until(boundOf(given).Max, func(count int) (any, error) {
		name := []byte("key" + strconv.Itoa(count) + "\x00")
		return raw(syscall.SYS_ADD_KEY, uintptr(unsafe.Pointer(&kind[0])), uintptr(unsafe.Pointer(&name[0])),
			uintptr(unsafe.Pointer(&text[0])), 64, uintptr(ring))
	})
}

func spin(given json.RawMessage) (any, error) {
	signal.Ignore(syscall.SIGTERM)
	at := boundOf(given)
	end := time.Now().Add(time.Duration(at.Ms) * time.Millisecond)
	turn := func() {
		for time.Now().Before(end) {
		}
	}
	runtime.GOMAXPROCS(at.Threads + 1)
	for count := 1; count < at.Threads; count++ {
		go turn()
	}
	began, cpu := time.Now(), cpuTime()
	turn()
	return map[string]float64{
		"cpuMs":  float64(cpuTime()-cpu) / 1e6,
		"wallMs": float64(time.Since(began)) / 1e6,
	}, nil
}

func cpuTime() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func daemons(given json.RawMessage) (any, error) {
	for count := 0; count < boundOf(given).Count; count++ {
		if _, err := start("daemon:"+boundOf(given).Marker, true); err != nil {
			return nil, err
		}
	}
	return boundOf(given).Count, nil
}

// Goes on working after the answer.
func linger(given json.RawMessage) (any, error) {
	runtime.GOMAXPROCS(2)
	go func() {
		for {
		}
	}()
	return nil, nil
}

func printBytes(given json.RawMessage) (any, error) {
	at := boundOf(given)
	var block []byte
	for _, letter := range at.Block {
		block = append(block, byte(letter)) // Latin-1
	}
	for len(block) < 65536 {
		block = append(block, block...)
	}
	for done := 0; done < at.Size*mib; {
		count, err := syscall.Write(1, block)
		if err != nil {
			return nil, err
		}
		done += count
	}
	return at.Size, nil
}
