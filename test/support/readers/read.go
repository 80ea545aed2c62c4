// Reads bodies as services in Go do, into a struct and into a map: lines of hex in, lines of JSON out.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
)

type asked struct {
	Model  any `json:"model"`
	Method any `json:"method"`
	Query  any `json:"query"`
}

func (a asked) at(key string) any {
	return map[string]any{"model": a.Model, "method": a.Method, "query": a.Query}[key]
}

func read(data []byte, key string) [][]any {
	readings := [][]any{}
	var one asked
	if json.Unmarshal(data, &one) == nil {
		readings = append(readings, []any{one.at(key)})
	}
	var plain map[string]any
	if json.Unmarshal(data, &plain) == nil {
		readings = append(readings, []any{plain[key]})
	}
	var several []asked
	if json.Unmarshal(data, &several) == nil {
		values := []any{}
		for _, each := range several {
			values = append(values, each.at(key))
		}
		readings = append(readings, values)
	}
	return readings
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<24)
	for lines.Scan() {
		data, _ := hex.DecodeString(lines.Text())
		out, _ := json.Marshal(read(data, os.Args[1]))
		fmt.Println(string(out))
	}
}
