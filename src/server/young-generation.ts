import { setFlagsFromString } from 'node:v8';

/*
 * The part of V8's heap that requests are served in. It begins with 1 MB and doubles, up to 16 MB and as much again for
 * copying, when much of it survives collections: loading code makes it grow as much as traffic does. The flag is looked
 * at whenever it would grow; its bounds cannot be set any more in a process that runs.
 */

/** Keeps it as it is: what is loaded for good is no reason to keep room for what comes and goes. */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Lets traffic make it grow: kept small it is collected a hundred times a second, which takes a third of all time. */
export function letYoungGenerationGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
}
