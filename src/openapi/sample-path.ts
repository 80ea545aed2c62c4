import { canonicalizePath } from '../domain/request-target.ts';

/** A canonical path that a request for a path template could have: every parameter is `sample`. */
export function samplePath(template: string): string {
  const [path = '/'] = template.split(/[?#]/);
  const filled = path.replace(/\{[^{}]*\}/g, 'sample');
  const escaped = filled.replace(/[^A-Za-z0-9\-._~!$&'()*+,=:@%/]/gu, encodeURIComponent);
  const canonical = canonicalizePath(escaped.replace(/%(?![0-9A-Fa-f]{2})/g, '%25'));
  return canonical.ok ? canonical.path : filled;
}
