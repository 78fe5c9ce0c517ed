// Decides which TLS certificates a fault upstream can show: good, expired, for another host, self-signed,
// for tests of TLS faults; made at run time, so that no private key lies in the repository.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export type Certified = { key: string; cert: string };
export type CertificateSet = {
  ca: string;
  good: Certified;
  expired: Certified;
  wrongHost: Certified;
  selfSigned: Certified;
};

const der = (tag: number, ...parts: (Uint8Array | number[])[]): Buffer => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as Uint8Array)));
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
};
const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const oid = (...bytes: number[]) => der(0x06, bytes);
const text = (value: string) => der(0x0c, Buffer.from(value));

const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const commonName = oid(0x55, 0x04, 0x03);
const subjectAltName = oid(0x55, 0x1d, 0x11);
const basicConstraints = oid(0x55, 0x1d, 0x13);

const nameOf = (name: string) => sequence(der(0x31, sequence(commonName, text(name))));
const time = (ms: number) => der(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]|\..*$/g, '')}Z`));
const pem = (label: string, bytes: Buffer) =>
  `-----BEGIN ${label}-----\n${bytes
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END ${label}-----\n`;

type Wanted = { subject: string; issuer: string; host?: string; fromMs: number; untilMs: number; authority: boolean };

function certificate(wanted: Wanted, publicKey: KeyObject, signer: KeyObject, serial: number): string {
  const extensions = [
    sequence(basicConstraints, der(0x04, sequence(...(wanted.authority ? [der(0x01, [0xff])] : [])))),
  ];
  if (wanted.host !== undefined) {
    const address = wanted.host.split('.').map(Number);
    const isAddress = address.length === 4 && address.every((part) => Number.isInteger(part));
    const name = isAddress ? der(0x87, address) : der(0x82, Buffer.from(wanted.host));
    extensions.push(sequence(subjectAltName, der(0x04, sequence(name))));
  }
  const body = sequence(
    der(0xa0, der(0x02, [2])),
    der(0x02, [serial]),
    ecdsaWithSha256,
    nameOf(wanted.issuer),
    sequence(time(wanted.fromMs), time(wanted.untilMs)),
    nameOf(wanted.subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, signer);
  return pem('CERTIFICATE', sequence(body, ecdsaWithSha256, der(0x03, [0], signature)));
}

const dayMs = 86_400_000;

/** Certificates for 127.0.0.1 around the given time; hand `ca` to the client that shall trust them. */
export function certificates(wallMs: number): CertificateSet {
  const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const authority = pair();
  const common = { fromMs: wallMs - 30 * dayMs, untilMs: wallMs + 30 * dayMs, host: '127.0.0.1', authority: false };
  const root = { ...common, subject: 'Test CA', issuer: 'Test CA', authority: true };
  const { host: _, ...rootWithoutHost } = root;
  let serial = 1;
  const issue = (more: Partial<Wanted>): Certified => {
    const own = pair();
    const key = own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const wanted: Wanted = { ...common, subject: 'upstream', issuer: 'Test CA', ...more };
    const signer = wanted.issuer === wanted.subject ? own.privateKey : authority.privateKey;
    return { key, cert: certificate(wanted, own.publicKey, signer, ++serial) };
  };
  return {
    ca: certificate(rootWithoutHost, authority.publicKey, authority.privateKey, serial),
    good: issue({}),
    expired: issue({ untilMs: wallMs - dayMs }),
    wrongHost: issue({ host: 'other.test' }),
    selfSigned: issue({ issuer: 'upstream' }),
  };
}
