import { objectNotFound } from './errors.ts';
import type { ApiParts, ApiRoute } from './request.ts';
import { integrationNameOf } from './request.ts';

/** The token's own user, and a user by id. */
export function userRoutes({ world, render }: ApiParts): ApiRoute[] {
  return [
    { method: 'GET', path: '/v1/users/me', run: ({ actor }) => render.user(actor) },
    {
      method: 'GET',
      path: '/v1/users/:id',
      idName: 'user_id',
      run: ({ actor, id }) => {
        const user = world.persons.get(id) ?? world.bots.get(id);
        if (user === undefined || user.workspaceId !== actor.workspaceId) throw objectNotFound('user', id, integrationNameOf(world, actor));
        return render.user(user);
      },
    },
  ];
}
