/** The program of a worker thread: inspects one zip after the other. Started by zip-inspector.ts. */
import { parentPort } from 'node:worker_threads';
import { memorySource } from '../gomod/zip/byte-source.ts';
import { inspectModuleZip, type ModuleZipFacts } from '../gomod/zip/inspect.ts';
import { FileSource } from './file-source.ts';
import { failureReply, type ZipReply, type ZipTask } from './zip-task.ts';

parentPort?.on('message', (task: ZipTask) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  void answer(task).then((reply) => parentPort?.postMessage(reply));
});

async function answer({ module, body }: ZipTask): Promise<ZipReply> {
  try {
    return { facts: await inspect(module.path, module.version, body) };
  } catch (error) {
    return failureReply(error);
  }
}

async function inspect(path: string, version: string, body: ZipTask['body']): Promise<ModuleZipFacts> {
  if ('bytes' in body) return inspectModuleZip(memorySource(body.bytes), path, version);
  const source = new FileSource(body.path, body.sizeBytes);
  try {
    return await inspectModuleZip(source, path, version);
  } finally {
    source.close();
  }
}
