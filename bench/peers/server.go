// A handler as a Go programmer would write it: a goroutine reads the provider, a channel of 100 holds its tokens.
//
//	PORT=8000 UPSTREAM=http://127.0.0.1:9000/v1 go run bench/peers/server.go
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
)

type chunk struct {
	Choices []struct {
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
	} `json:"choices"`
}

var prefix = []byte("data: ")

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 10000}}

func read(request *http.Request, tokens chan<- string) {
	defer close(tokens)
	call, err := http.NewRequestWithContext(request.Context(), "POST", os.Getenv("UPSTREAM")+"/chat/completions", request.Body)
	if err != nil {
		return
	}
	call.ContentLength = request.ContentLength
	response, err := client.Do(call)
	if err != nil {
		return
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		line := lines.Bytes()
		var event chunk
		if !bytes.HasPrefix(line, prefix) || json.Unmarshal(line[len(prefix):], &event) != nil || len(event.Choices) == 0 {
			continue
		}
		select {
		case tokens <- event.Choices[0].Delta.Content:
		case <-request.Context().Done():
			return
		}
	}
}

func stream(writer http.ResponseWriter, request *http.Request) {
	writer.Header().Set("Content-Type", "text/event-stream")
	tokens := make(chan string, 100)
	go read(request, tokens)
	for token := range tokens {
		if _, err := fmt.Fprintf(writer, "event: token\ndata: %s\n\n", token); err != nil {
			return
		}
		if len(tokens) == 0 {
			writer.(http.Flusher).Flush()
		}
	}
}

func main() {
	http.HandleFunc("/chat/stream", stream)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
