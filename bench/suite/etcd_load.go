// SPDX-License-Identifier: Apache-2.0
//
// etcd_load: what `copycat bench` does, for etcd, by its own client (Debian: golang-etcd-server-dev).
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go build -o etcd_load etcd_load.go
//	etcd_load put|get|get-serializable SERVERS CONNECTIONS WINDOW SECONDS VALUE-SIZE KEYS
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/clientv3"
)

const warmUp = 500 * time.Millisecond
const fillWindow = 64

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "etcd_load:", err)
		os.Exit(1)
	}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	check(err)
	return value
}

func name(key int) string {
	return fmt.Sprintf("key-%012d", key)
}

// Every key once, unless there are as many.
func fill(client *clientv3.Client, value string, keys int) {
	found, err := client.Get(context.Background(), "key-", clientv3.WithPrefix(), clientv3.WithCountOnly())
	check(err)
	if found.Count >= int64(keys) {
		return
	}
	var next int64 = -1
	var all sync.WaitGroup
	for i := 0; i < fillWindow; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for {
				key := int(atomic.AddInt64(&next, 1))
				if key >= keys {
					return
				}
				_, err := client.Put(context.Background(), name(key), value)
				check(err)
			}
		}()
	}
	all.Wait()
}

func call(client *clientv3.Client, operation string, key string, value string) error {
	var err error
	switch operation {
	case "put":
		_, err = client.Put(context.Background(), key, value)
	case "get":
		_, err = client.Get(context.Background(), key)
	default:
		_, err = client.Get(context.Background(), key, clientv3.WithSerializable())
	}
	return err
}

func main() {
	if len(os.Args) != 8 {
		fmt.Fprintln(os.Stderr, "usage: etcd_load put|get|get-serializable SERVERS CONNECTIONS WINDOW SECONDS VALUE-SIZE KEYS")
		os.Exit(2)
	}
	operation := os.Args[1]
	connections, window := number(os.Args[3]), number(os.Args[4])
	seconds, err := strconv.ParseFloat(os.Args[5], 64)
	check(err)
	value, keys := strings.Repeat("v", number(os.Args[6])), number(os.Args[7])

	clients := make([]*clientv3.Client, connections)
	for i := range clients {
		clients[i], err = clientv3.New(clientv3.Config{Endpoints: strings.Split(os.Args[2], ","), DialTimeout: 10 * time.Second})
		check(err)
	}
	fill(clients[0], value, keys)

	var errors int64
	took := make([][]float64, connections*window)
	from := time.Now().Add(warmUp)
	until := from.Add(time.Duration(seconds * float64(time.Second)))
	var all sync.WaitGroup
	for i := range took {
		all.Add(1)
		go func(place int) {
			defer all.Done()
			random := rand.New(rand.NewSource(int64(place)))
			for {
				asked := time.Now()
				if asked.After(until) {
					return
				}
				err := call(clients[place%connections], operation, name(random.Intn(keys)), value)
				answered := time.Now()
				if err != nil {
					atomic.AddInt64(&errors, 1)
				} else if answered.After(from) && answered.Before(until) {
					took[place] = append(took[place], float64(answered.Sub(asked))/1e3)
				}
			}
		}(i)
	}
	all.Wait()

	var sorted []float64
	for _, one := range took {
		sorted = append(sorted, one...)
	}
	sort.Float64s(sorted)
	quantile := func(part float64) float64 {
		if len(sorted) == 0 {
			return 0
		}
		return sorted[int(part*float64(len(sorted)-1))]
	}
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"operations":            len(sorted),
		"seconds":               seconds,
		"operations_per_second": float64(len(sorted)) / seconds,
		"errors":                errors,
		"latency_us": map[string]float64{
			"p50": quantile(.5), "p90": quantile(.9), "p99": quantile(.99), "p99_9": quantile(.999), "max": quantile(1),
		},
	}))
}
