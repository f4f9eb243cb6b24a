// The part every native attacker shares. Started without arguments it is a custom runtime; with
// "operate" it reads one event from its standard input, for authors of other languages who bring it
// along in their package. The attack itself is the table `operations` of the files built with it.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

const path = "/2018-06-01/runtime/invocation/"

type operation func(given json.RawMessage) (any, error)

type event struct {
	Attacks []struct {
		ID        string          `json:"id"`
		Operation string          `json:"operation"`
		Given     json.RawMessage `json:"given"`
	} `json:"attacks"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "operate" {
		text, _ := io.ReadAll(os.Stdin)
		os.Stdout.Write(answer(text))
		return
	}
	serve(os.Getenv("AWS_LAMBDA_RUNTIME_API"))
}

// The Runtime API over one connection. Not net/http: building that takes longer than all attacks.
func serve(address string) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		os.Exit(1)
	}
	stream := bufio.NewReader(connection)
	ask := func(request string, body []byte) (map[string]string, []byte) {
		fmt.Fprintf(connection, "%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s",
			request, address, len(body), body)
		headers, answered, err := readAnswer(stream)
		if err != nil {
			fmt.Fprintln(os.Stderr, "the Runtime API:", err)
			os.Exit(1)
		}
		return headers, answered
	}
	for {
		headers, text := ask("GET "+path+"next", nil)
		id := headers["lambda-runtime-aws-request-id"]
		os.Setenv("REQUEST_ID", id)
		answered := answer(text)
		if bytes.Contains(text, []byte(`"isAside":true`)) {
			// An attack has answered in its own words already; the next one reads how it went.
			os.WriteFile("/tmp/aside", answered, 0o600)
		}
		ask("POST "+path+id+"/response", answered)
	}
}

func readAnswer(stream *bufio.Reader) (map[string]string, []byte, error) {
	headers := map[string]string{}
	if _, err := stream.ReadString('\n'); err != nil {
		return nil, nil, err
	}
	for {
		line, err := stream.ReadString('\n')
		if err != nil {
			return nil, nil, err
		}
		name, value, found := strings.Cut(strings.TrimSpace(line), ":")
		if !found {
			break
		}
		headers[strings.ToLower(name)] = strings.TrimSpace(value)
	}
	if headers["transfer-encoding"] == "chunked" {
		body, err := readChunks(stream)
		return headers, body, err
	}
	length, _ := strconv.Atoi(headers["content-length"])
	body := make([]byte, length)
	_, err := io.ReadFull(stream, body)
	return headers, body, err
}

func readChunks(stream *bufio.Reader) ([]byte, error) {
	body := []byte{}
	for {
		line, err := stream.ReadString('\n')
		if err != nil {
			return nil, err
		}
		length, err := strconv.ParseInt(strings.TrimSpace(line), 16, 32)
		if err != nil {
			return nil, err
		}
		chunk := make([]byte, length+2)
		if _, err := io.ReadFull(stream, chunk); err != nil {
			return nil, err
		}
		if length == 0 {
			return body, nil
		}
		body = append(body, chunk[:length]...)
	}
}

func answer(text []byte) []byte {
	var asked event
	if err := json.Unmarshal(text, &asked); err != nil {
		return []byte(`{"error":"no event"}`)
	}
	outcomes := map[string]any{}
	for _, attack := range asked.Attacks {
		outcomes[attack.ID] = attempt(attack.Operation, attack.Given)
	}
	encoded, err := json.Marshal(outcomes)
	if err != nil {
		return []byte(`{"error":"an outcome that is no JSON"}`)
	}
	return encoded
}

func attempt(name string, given json.RawMessage) any {
	operate, known := operations[name]
	if !known {
		return map[string]any{"error": "no operation " + name}
	}
	value, err := operate(given)
	var number syscall.Errno
	if errors.As(err, &number) {
		return map[string]any{"errno": int(number)}
	}
	if err != nil {
		return map[string]any{"error": fmt.Sprint(err)}
	}
	return map[string]any{"value": value}
}
