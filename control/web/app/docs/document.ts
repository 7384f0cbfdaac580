/** The parts of an OpenAPI 3.1 document that the page shows, read from what the server says. */

export interface Field {
  name: string;
  type: string;
  required: boolean;
  text: string;
}

export interface Operation {
  id: string;
  method: string;
  path: string;
  summary: string;
  chapter: string;
  /** Who may call it: names of security schemes, empty for anyone. */
  who: string[];
  parameters: Field[];
  body: Field[];
  answer: Field[];
  statuses: string[];
}

type Json = Record<string, unknown>;

const isObject = (v: unknown): v is Json => typeof v === 'object' && v !== null && !Array.isArray(v);
const object = (v: unknown): Json => (isObject(v) ? v : {});
const list = (v: unknown): unknown[] => (Array.isArray(v) ? v : []);
const text = (v: unknown): string => (typeof v === 'string' ? v : '');

const methods = ['get', 'post', 'put', 'patch', 'delete'];

/** Reads the operations of a document, in its order. */
export function operationsOf(document: unknown): Operation[] {
  const root = object(document);
  const found: Operation[] = [];
  for (const [path, item] of Object.entries(object(root['paths']))) {
    for (const method of methods) {
      const op = object(item)[method];
      if (isObject(op)) found.push(operation(root, path, method, op));
    }
  }
  return found;
}

function operation(root: Json, path: string, method: string, op: Json): Operation {
  const responses = Object.entries(object(op['responses']));
  const done = responses.find(([status]) => status.startsWith('2'));
  return {
    id: text(op['operationId']),
    method: method.toUpperCase(),
    path,
    summary: text(op['summary']),
    chapter: text(list(op['tags'])[0]),
    who: list(op['security']).flatMap(scheme => Object.keys(object(scheme))),
    parameters: list(op['parameters']).map(p => parameter(root, object(p))),
    body: fields(root, schemaOf(op['requestBody'])),
    answer: fields(root, schemaOf(done?.[1])),
    statuses: responses.map(([status]) => status).filter(status => /^\d/.test(status)),
  };
}

function schemaOf(holder: unknown): unknown {
  return object(object(object(holder)['content'])['application/json'])['schema'];
}

function parameter(root: Json, p: Json): Field {
  return {
    name: `${text(p['name'])} (${text(p['in'])})`,
    type: typeOf(root, p['schema']),
    required: p['required'] === true,
    text: text(p['description']) || text(object(p['schema'])['description']),
  };
}

/** Follows a reference into the document. */
function resolved(root: Json, schema: unknown): Json {
  let at: unknown = schema;
  for (let i = 0; i < 8 && isObject(at) && typeof at['$ref'] === 'string'; i++) {
    at = at['$ref']
      .replace(/^#\//, '')
      .split('/')
      .reduce<unknown>((within, key) => object(within)[key], root);
  }
  return object(at);
}

/** The fields of an object, or of the objects of a list. */
function fields(root: Json, schema: unknown): Field[] {
  let s = resolved(root, schema);
  if (isObject(s['items'])) s = resolved(root, s['items']);
  const required = list(s['required']);
  return Object.entries(object(s['properties'])).map(([name, of]) => ({
    name,
    type: typeOf(root, of),
    required: required.includes(name),
    text: text(object(of)['description']) || text(resolved(root, of)['description']),
  }));
}

function typeOf(root: Json, schema: unknown): string {
  const s = resolved(root, schema);
  const types = list(s['type']).map(text);
  const type = types.length > 0 ? types.filter(t => t !== 'null').join(', ') : text(s['type']);
  if (type === 'array') return `${typeOf(root, s['items'])}[]`;
  const choices = list(s['enum']).map(String);
  if (choices.length > 0 && choices.length <= 8) return choices.join(' | ');
  return text(s['format']) || type;
}
