import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';

/**
 * A GraphQL server of others, in a process of its own: its types bring those of browsers along, which clash with Node's.
 * It tells its parent the port, and ends with it.
 */

const schema = createSchema({
  typeDefs: `
    type Query { report: String! news: String! free: String! }
    type Mutation { order: String! }
  `,
  resolvers: {
    Query: { report: () => 'the report', news: () => 'the news', free: () => 'for all' },
    Mutation: { order: () => 'ordered' },
  },
});

const server = createServer(createYoga({ schema, batching: true, logging: false, graphqlEndpoint: '/graphql' }));
process.once('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
