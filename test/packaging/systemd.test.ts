import { describe, expect, it } from 'vitest';
import { readRepositoryFile } from '../support/docs/markdown.ts';

/** The settings of the unit; the last of two with one name counts, as for systemd. */
const settings = new Map(
  [...readRepositoryFile('config/systemd/turnpike.service').matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [
    name,
    value,
  ]),
);
const example = readRepositoryFile('gateway.example.yaml');

describe('the systemd unit', () => {
  it('runs the price table that the manual puts there, in a folder of its own', () => {
    expect(settings.get('ExecStart')).toBe('/usr/bin/env turnpike start -c /etc/turnpike/gateway.yaml');
    expect(settings.get('WorkingDirectory')).toBe(`/var/lib/${settings.get('StateDirectory')}`);
    expect(readRepositoryFile('docs/install.md')).toContain('/etc/turnpike/gateway.yaml');
    expect(example).toMatch(/^store: sqlite:\.\//m);
  });

  it('can write nothing else and become no other user', () => {
    expect(settings.get('User')).toBe('turnpike');
    expect(settings.get('CapabilityBoundingSet')).toBe('');
    for (const name of ['NoNewPrivileges', 'ProtectHome', 'PrivateTmp']) expect(settings.get(name)).toBe('yes');
    expect(settings.get('ProtectSystem')).toBe('strict');
  });

  it('starts again after a crash, but not with a wrong price table, and waits for what is in flight', () => {
    expect(settings.get('Restart')).toBe('on-failure');
    expect(settings.get('RestartPreventExitStatus')).toBe('2');
    expect(Number(settings.get('TimeoutStopSec'))).toBeGreaterThan(30 + 15);
  });
});
