// Reads the files of examples/deploy as the programs would that they are for: Docker's own parser and
// linter of Dockerfiles, the reader of Compose files that Docker Compose uses, and the types of
// Kubernetes' API, which know no fields that are misspelt.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8syaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

func main() {
	folder := os.Args[1]
	err := errors.Join(
		dockerfile(filepath.Join(folder, "Dockerfile")),
		compose(filepath.Join(folder, "compose.yaml")),
		kubernetes(filepath.Join(folder, "kubernetes.yaml")),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func dockerfile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var found []error
	lint := linter.New(&linter.Config{
		Warn: func(rule, description, url, message string, _ []parser.Range) {
			found = append(found, fmt.Errorf("%s: %s: %s", path, rule, message))
		},
	})
	stages, _, err := instructions.Parse(parsed.AST, lint)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, warning := range parsed.Warnings {
		found = append(found, fmt.Errorf("%s: %s", path, warning.Short))
	}
	fmt.Printf("Dockerfile: %d stage, %d instructions\n", len(stages), len(stages[0].Commands))
	return errors.Join(found...)
}

func compose(path string) error {
	options, err := cli.NewProjectOptions([]string{path},
		cli.WithName("deploy"),
		cli.WithEnv([]string{"CONTROL_TOKEN=0123456789abcdef0123456789abcdef"}))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fmt.Printf("compose.yaml: services %v\n", project.ServiceNames())
	return nil
}

func kubernetes(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	reader := k8syaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	defer reader.Close()
	for {
		buffer := make([]byte, 1<<20)
		count, err := reader.Read(buffer)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(buffer[:count], &kind); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		name := kind.APIVersion + " " + kind.Kind
		target, isKnown := map[string]any{
			"apps/v1 Deployment":            &appsv1.Deployment{},
			"v1 Service":                    &corev1.Service{},
			"policy/v1 PodDisruptionBudget": &policyv1.PodDisruptionBudget{},
		}[name]
		if !isKnown {
			return fmt.Errorf("%s: no check for %s", path, name)
		}
		if err := yaml.UnmarshalStrict(buffer[:count], target); err != nil {
			return fmt.Errorf("%s: %s: %w", path, name, err)
		}
		fmt.Printf("kubernetes.yaml: %s\n", name)
	}
}
