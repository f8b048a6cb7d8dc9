package httpapi

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object.
type object = map[string]any

// OpenAPI describes routes as an OpenAPI 3.1 document. Answers are described from
// the types that they are made of.
func OpenAPI(routes []Route, version string) any {
	d := &describer{schemas: object{}}
	failure := d.schema(reflect.TypeFor[Failure]())
	paths := object{}
	for _, r := range routes {
		answers := object{
			"200": content("What was asked for.", d.schema(reflect.TypeOf(r.Answer))),
			"400": content("A query that cannot be understood.", failure),
			"401": content("The token is missing or wrong.", failure),
			"421": content("The request names another host than the server's.", failure),
		}
		if r.Method != "GET" {
			answers["403"] = content("A page of another site, or one without a token, asks.", failure)
			answers["422"] = content("It was refused, and everything runs on as it was.", d.schema(reflect.TypeOf(r.Answer)))
			answers["503"] = content("It was not tried.", failure)
		}
		operation := object{
			"operationId": strings.ReplaceAll(strings.TrimPrefix(r.Path, "/api/v1/"), "/", "_"),
			"summary":     r.Doc, "responses": answers, "security": []any{object{}, object{"token": []string{}}},
		}
		if len(r.Query) > 0 {
			operation["parameters"] = parameters(r.Query)
		}
		paths[r.Path] = object{strings.ToLower(r.Method): operation}
	}
	return object{
		"openapi": "3.1.0",
		"info":    object{"title": "Strait", "version": version, "description": "What a running Strait says of itself, and what may be asked of it."},
		"paths":   paths,
		"components": object{
			"schemas":         d.schemas,
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}},
		},
	}
}

func content(what string, schema object) object {
	return object{"description": what, "content": object{"application/json": object{"schema": schema}}}
}

func parameters(queries []Query) []any {
	var list []any
	for _, q := range queries {
		schema := object{"type": "string"}
		if q.Words != nil {
			schema["enum"] = q.Words
		}
		if q.Max > 0 {
			schema = object{"type": "integer", "minimum": 0, "maximum": q.Max}
		}
		list = append(list, object{"name": q.Name, "in": "query", "description": q.Doc, "schema": schema})
	}
	return list
}

// describer turns types into schemas, each struct once.
type describer struct{ schemas object }

func (d *describer) schema(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Pointer:
		return d.schema(t.Elem())
	case t.Kind() == reflect.Struct:
		return d.structure(t)
	case t.Kind() == reflect.Slice:
		return object{"type": "array", "items": d.schema(t.Elem())}
	case t.Kind() == reflect.Map:
		return object{"type": "object", "additionalProperties": d.schema(t.Elem())}
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case t.Kind() == reflect.Float64:
		return object{"type": "number"}
	case t.Kind() == reflect.String:
		return object{"type": "string"}
	}
	return object{"type": "integer", "format": "int" + strconv.Itoa(max(t.Bits(), 32))}
}

func (d *describer) structure(t reflect.Type) object {
	name := t.Name()
	if !strings.Contains(t.PkgPath(), "httpapi") && name != "Document" && !strings.HasPrefix(name, "Document") {
		name = t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:] + "." + name
	}
	ref := object{"$ref": "#/components/schemas/" + name}
	if _, done := d.schemas[name]; done {
		return ref
	}
	properties := object{}
	d.schemas[name] = object{} // so that a type may contain itself
	required := map[string]bool{}
	for field := range fields(t) {
		properties[field.name] = d.schema(field.of)
		if !field.optional {
			required[field.name] = true
		}
	}
	d.schemas[name] = object{"type": "object", "properties": properties, "required": slices.Sorted(maps.Keys(required)), "additionalProperties": false}
	return ref
}

type jsonField struct {
	name     string
	of       reflect.Type
	optional bool
}

// fields are what package json writes of a struct.
func fields(t reflect.Type) func(func(jsonField) bool) {
	return func(yield func(jsonField) bool) {
		for f := range t.Fields() {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || name == "-" {
				continue
			}
			if !yield(jsonField{name, f.Type, strings.HasPrefix(options, "omit")}) {
				return
			}
		}
	}
}
