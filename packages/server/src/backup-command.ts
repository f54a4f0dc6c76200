import { resolve } from 'node:path';
import { Command } from 'commander';
import { defaultDirectory } from './config.js';
import { backupStore } from './store/open-backup.js';
import { foreignOwner } from './store/owner.js';

/** `filetracker-server backup`: copies a store beside the servers that change it. */
export async function backUpOnCommand(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const command = new Command('filetracker-server backup')
    .description(
      'Copies a store, as it is at one moment, to a directory that is missing, empty or an earlier backup, of which ' +
        'only what changed is copied. Servers go on meanwhile. The backup is a store: to restore it, serve it.',
    )
    .argument('<target>', 'the directory of the backup')
    .option('-d, --dir <directory>', 'store directory (or $FILETRACKER_DIR)', defaultDirectory(environment))
    .option('--json', 'print the result as JSON')
    .helpOption('-h, --help', 'show this help')
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error/, 'filetracker-server backup')),
    })
    .addHelpText(
      'after',
      `
Contents become hard links where the target is on the same file system: a backup against mistakes, which costs no room
and does not survive the disk. On another file system they are copied.

A backup that was cut is simply run again; until it has finished, the target is what it was before. To go on backing up
to a directory, serve a copy of it: what is written to the backup itself is gone with the next run.

Examples:
  filetracker-server backup -d /srv/files /backup/files
  filetracker-server -d /backup/files                        serve the backup

A backup that root makes belongs to root. Exit codes: 0 done, 1 it failed, 2 called wrongly.`,
    )
    .parse(argv, { from: 'user' });
  const { dir, json } = command.opts<{ dir: string; json?: true }>();
  const [target = ''] = command.args;
  const report = await backupStore(resolve(dir), resolve(target));
  tellOwner(resolve(dir), target);
  const { present, linked, copied, removed } = report;
  const text = `backed up to ${target}; large contents: ${linked} linked, ${copied} copied, ${present} there already, ${removed} removed`;
  process.stdout.write(`${json ? JSON.stringify({ target, ...report }) : text}\n`);
}

/** Says what stands between a backup that root has made and the user whose server is to serve it. */
function tellOwner(store: string, target: string): void {
  const owner = foreignOwner(store);
  if (!owner) return;
  const { uid, gid } = owner;
  process.stderr.write(
    `filetracker-server backup: ${target} belongs to root, and the store to user ${uid}: to serve the backup as that ` +
      `user, first run "chown -R ${uid}:${gid} ${target}"\n`,
  );
}
