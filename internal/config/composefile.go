package config

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// ComposeFile is a local compose file.
type ComposeFile struct {
	Path, Text string
}

// parseComposeFile reads a file and checks that it is a compose file.
func parseComposeFile(path string) (*ComposeFile, error) {
	if err := noPath(path, "a compose file"); err != nil {
		return nil, err
	}
	raw, err := readFile(path, maxText)
	if err != nil {
		return nil, err
	}
	text := string(raw)
	switch {
	case strings.TrimSpace(text) == "":
		return nil, fmt.Errorf("%s is empty", quote(path))
	case !utf8.ValidString(text), strings.ContainsRune(text, 0):
		return nil, fmt.Errorf("%s is not text (invalid UTF-8, or a NUL)", quote(path))
	case tooLong(text):
		return nil, fmt.Errorf("%s is larger than Dokploy accepts (%d bytes)", quote(path), maxText)
	}
	if err := checkCompose(text); err != nil {
		return nil, fmt.Errorf("%s %w", quote(path), err)
	}
	return &ComposeFile{Path: path, Text: text}, nil
}

// checkCompose checks that text is YAML with services. It checks structure
// only: what the services mean is up to Docker, and tags such as !reset and
// references such as ${{project.X}} are up to Docker and Dokploy.
func checkCompose(text string) error {
	d := yaml.NewDecoder(strings.NewReader(text))
	var doc yaml.Node
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("contains only comments")
		}
		line, what := yamlError(text, err)
		return fmt.Errorf("is not YAML: line %d: %s", line, what)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("contains more than one YAML document; a compose file is a single document")
	}
	root := resolve(doc.Content[0])
	if root.Kind != yaml.MappingNode {
		return errors.New("is not a compose file: it is not a mapping with services")
	}
	if twice := duplicateKey(root, 0); twice != nil {
		return fmt.Errorf("line %d: the key %s appears twice", twice.Line, quote(twice.Value))
	}
	services := child(root, "services")
	if services == nil || resolve(services).Kind != yaml.MappingNode || len(resolve(services).Content) == 0 {
		return errors.New("is not a compose file: it has no services")
	}
	for i, v := range resolve(services).Content {
		if i%2 == 1 && resolve(v).Kind != yaml.MappingNode && v.Kind != yaml.AliasNode {
			return fmt.Errorf("line %d: the service %s is not a mapping", v.Line, quote(resolve(services).Content[i-1].Value))
		}
	}
	return nil
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func child(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// duplicateKey finds a key that occurs twice in its mapping. Dokploy's YAML
// reader rejects that, but only when it deploys.
func duplicateKey(n *yaml.Node, depth int) *yaml.Node {
	if depth > 100 {
		return nil
	}
	if n.Kind == yaml.MappingNode {
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Kind == yaml.ScalarNode && k.Tag != "!!merge" && seen[k.Value] {
				return k
			}
			seen[k.Value] = true
		}
	}
	for _, c := range n.Content {
		if twice := duplicateKey(c, depth+1); twice != nil {
			return twice
		}
	}
	return nil
}
