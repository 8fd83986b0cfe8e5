import pTimeout from 'p-timeout';
import type { ContainerRuntimeClient } from 'testcontainers';
import { reportStep, type OnProgress } from './progress.ts';
import { StackUnavailableError } from './stack-unavailable.ts';

export type DockerState = { answers: true; client: ContainerRuntimeClient } | { answers: false };

const patienceMs = 2_000;

/** Looks for a container engine as testcontainers does (DOCKER_HOST, its settings file, the usual sockets), for at most 2 s. */
export async function findDocker(): Promise<DockerState> {
  const { getContainerRuntimeClient } = await import('testcontainers');
  const asked = getContainerRuntimeClient().then(
    (client) => ({ answers: true, client }) as const,
    () => ({ answers: false }) as const,
  );
  return pTimeout(asked, { milliseconds: patienceMs, fallback: () => ({ answers: false }) as const });
}

export const images = {
  kafka: 'apache/kafka:4.2.0',
  schemaRegistry: 'apicurio/apicurio-registry:3.0.9',
  mongodb: 'mongo:8.0',
} as const;

/** An image is not on this machine and could not be pulled. */
export class ImageUnavailableError extends StackUnavailableError {
  override readonly name = 'ImageUnavailableError';

  constructor(image: string, options?: ErrorOptions) {
    const reason = options?.cause instanceof Error ? `: ${options.cause.message.trim()}` : '.';
    super(`The image ${image} is not on this machine and cannot be pulled${reason}`, options);
  }
}

/** Pulls missing images and starts testcontainers' reaper. Throws ImageUnavailableError. */
export async function prepareImages(client: ContainerRuntimeClient, onProgress: OnProgress, signal?: AbortSignal): Promise<void> {
  const { getReaper, ImageName } = await import('testcontainers');
  const pull = async (image: string) => {
    const name = ImageName.fromString(image);
    if (await client.image.exists(name)) return;
    await reportStep(onProgress, `Pulling ${image}`, async () => {
      // A pull cannot be cancelled, but need not be awaited.
      await pTimeout(client.image.pull(name), { milliseconds: Infinity, ...(signal && { signal }) }).catch((cause: unknown) => {
        signal?.throwIfAborted();
        throw new ImageUnavailableError(image, { cause });
      });
      // An error midway through the response ends the pull like a success.
      if (!(await client.image.exists(name))) throw new ImageUnavailableError(image);
    });
  };
  await Promise.all(Object.values(images).map(pull));
  await getReaper(client).catch((cause: unknown) => {
    throw new ImageUnavailableError('of testcontainers’ reaper (TESTCONTAINERS_RYUK_DISABLED=true does without it)', { cause });
  });
}
