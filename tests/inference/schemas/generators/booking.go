package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	invopop "github.com/invopop/jsonschema"
)

type Place struct {
	Name    string  `json:"name"`
	Country *string `json:"country,omitempty"`
}

// Booking is what both generators are given.
type Booking struct {
	Title    string            `json:"title" jsonschema:"the title"`
	Guests   int               `json:"guests"`
	Note     *string           `json:"note,omitempty"`
	Place    *Place            `json:"place"`
	Tags     []string          `json:"tags"`
	Labels   map[string]string `json:"labels,omitempty"`
	Start    *time.Time        `json:"start,omitempty"`
	Price    float64           `json:"price,omitempty"`
	Anything any               `json:"anything,omitempty"`
}

func main() {
	one, err := jsonschema.For[Booking](nil)
	if err != nil {
		panic(err)
	}
	r := &invopop.Reflector{}
	out := map[string]any{
		"google/jsonschema-go": one,
		"invopop/jsonschema":   r.Reflect(&Booking{}),
	}
	text, _ := json.MarshalIndent(out, "", "  ")
	fmt.Fprintln(os.Stdout, string(text))
}
