import { describe, expect, it } from 'vitest';
import { operationsOf } from '../docs/document';

const document = {
  paths: {
    '/a/{id}': {
      patch: {
        operationId: 'edit-a',
        summary: 'Edit',
        tags: ['a'],
        security: [{ login: [] }, { key: [] }],
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }],
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/In' } } } },
        responses: {
          '200': {
            content: {
              'application/json': { schema: { type: 'array', items: { $ref: '#/components/schemas/A' } } },
            },
          },
          '404': {},
          default: {},
        },
      },
    },
  },
  components: {
    schemas: {
      In: {
        type: 'object',
        required: ['role'],
        properties: {
          role: { type: 'string', enum: ['owner', 'presenter'] },
          tags: { type: ['array', 'null'], items: { type: 'string' } },
        },
      },
      A: {
        type: 'object',
        properties: {
          at: { type: 'string', format: 'date-time', description: 'When' },
          self: { $ref: '#/components/schemas/A' },
        },
      },
    },
  },
};

describe('operationsOf', () => {
  it('reads what the page shows, through references and lists', () => {
    expect(operationsOf(document)).toEqual([
      {
        id: 'edit-a',
        method: 'PATCH',
        path: '/a/{id}',
        summary: 'Edit',
        chapter: 'a',
        who: ['login', 'key'],
        parameters: [{ name: 'id (path)', type: 'uuid', required: true, text: '' }],
        body: [
          { name: 'role', type: 'owner | presenter', required: true, text: '' },
          { name: 'tags', type: 'string[]', required: false, text: '' },
        ],
        answer: [
          { name: 'at', type: 'date-time', required: false, text: 'When' },
          { name: 'self', type: 'object', required: false, text: '' },
        ],
        statuses: ['200', '404'],
      },
    ]);
  });

  it('takes nothing from what is no document', () => {
    for (const wrong of [null, 3, 'x', [], {}, { paths: null }, { paths: { '/a': { get: [] } } }])
      expect(operationsOf(wrong)).toEqual([]);
  });

  it('ends where references go round', () => {
    const round = {
      paths: {
        '/a': { get: { requestBody: { content: { 'application/json': { schema: { $ref: '#/x' } } } } } },
      },
      x: { $ref: '#/x' },
    };
    expect(operationsOf(round)[0]?.body).toEqual([]);
  });
});
