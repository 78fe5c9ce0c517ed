// The `server:` section: where the router listens, whom it believes, how it stops. For the schema.
import { z } from 'zod';
import { basePath, hostName, origin } from './endpoint.ts';
import { network } from './network.ts';
import { address, count, duration, secret } from './units.ts';

export function serverSchema() {
  return z
    .strictObject({
      listen: address().prefault('127.0.0.1:8787').describe('Address and port that callers use.'),
      admin: address()
        .prefault('127.0.0.1:8789')
        .describe("Address and port of the operator's pages and metrics. Keep it private."),
      data: z
        .string()
        .min(1, 'must not be empty')
        .prefault('./data')
        .describe('Folder for what survives a restart, such as the last good policy.'),
      usageDays: count(1, 3650)
        .prefault(400)
        .describe('Days for which the ledger keeps records of calls and of the time of workers.'),
      basePath: basePath().prefault('/').describe('Path before every route, such as /llm.'),
      allowedHosts: z
        .array(hostName())
        .prefault([])
        .describe(
          'Host names, beside loopback ones, by which callers may address the router. Any other Host is refused, but that an empty list takes any once callers need keys.',
        ),
      allowedOrigins: z
        .array(origin())
        .prefault([])
        .describe(
          'Origins, exact, that a request may name, such as app://notes of a desktop program. No CORS headers are sent, so a browser still keeps replies from pages.',
        ),
      drain: duration()
        .prefault('30s')
        .describe('Duration. On shutdown, how long calls in flight may go on before they are cut.'),
      tls: z
        .strictObject({
          cert: z.string().min(1, 'must not be empty').describe('File of the certificate chain, PEM.'),
          key: z.string().min(1, 'must not be empty').describe('File of the private key, PEM.'),
        })
        .optional()
        .describe('Encrypts what callers send. Default: plain HTTP.'),
      trustedProxies: z
        .array(network())
        .max(64, 'has more than 64 entries')
        .prefault([])
        .describe('Addresses and networks of the proxies that end TLS in front of the router, such as 10.0.0.0/8.'),
      adminSecret: secret()
        .optional()
        .describe("What the operator's pages ask for: $NAME or $file:/path. Default: nothing."),
    })
    .prefault({})
    .describe('Where the router listens and how it stops.');
}
