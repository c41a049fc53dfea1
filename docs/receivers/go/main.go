// Receives events: PORT=8080 WEBHOOK_SECRET=whsec_… go run main.go
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const limit = 64 << 10

var (
	key   []byte
	mutex sync.Mutex
	// A real receiver needs a table: it survives a restart, and all servers share it.
	seen = map[string]bool{}
)

func isAuthentic(id, timestamp, signatures string, body []byte) bool {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	age := time.Since(time.Unix(seconds, 0))
	if id == "" || err != nil || age > 5*time.Minute || age < -5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	right := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, given := range strings.Split(signatures, " ") {
		if hmac.Equal([]byte(given), []byte(right)) {
			return true
		}
	}
	return false
}

func receive(request *http.Request) int {
	body, err := io.ReadAll(io.LimitReader(request.Body, limit+1))
	if len(body) > limit {
		return http.StatusRequestEntityTooLarge
	}
	id, header := request.Header.Get("webhook-id"), request.Header
	if err != nil || !isAuthentic(id, header.Get("webhook-timestamp"), header.Get("webhook-signature"), body) {
		return http.StatusUnauthorized
	}
	var event struct{ Type string }
	if json.Unmarshal(body, &event) != nil || event.Type == "" {
		return http.StatusBadRequest
	}
	mutex.Lock()
	defer mutex.Unlock()
	if !seen[id] {
		fmt.Println(id, event.Type)
	}
	seen[id] = true
	return http.StatusNoContent
}

func main() {
	key, _ = base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv("WEBHOOK_SECRET"), "whsec_"))
	if len(key) < 24 {
		log.Fatal("WEBHOOK_SECRET is not whsec_ and base64 of 24 bytes or more")
	}
	handler := func(writer http.ResponseWriter, request *http.Request) { writer.WriteHeader(receive(request)) }
	server := http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: http.HandlerFunc(handler), ReadTimeout: 20 * time.Second}
	log.Fatal(server.ListenAndServe())
}
