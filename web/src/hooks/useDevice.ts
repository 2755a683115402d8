import { useMutation, useQuery } from '@tanstack/react-query';
import { get, post } from '../live/http';
import type { DeviceDecision, DeviceInfo } from '../protocol/messages';

/** Who asks to be signed in by this code, which is asked for once; null: none yet. */
export function useDevice(code: string | null) {
  return {
    device: useQuery({
      queryKey: ['device', code],
      queryFn: () => get<DeviceInfo>(`/api/device/${encodeURIComponent(code ?? '')}`),
      enabled: code !== null,
      // Every question counts as a guess when the code is wrong.
      retry: false,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      staleTime: Number.POSITIVE_INFINITY,
    }),
    decide: useMutation({
      mutationFn: (decision: DeviceDecision) => post<undefined>('/api/device/approve', decision),
    }),
  };
}
